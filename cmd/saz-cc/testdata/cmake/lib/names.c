#include "tally.h"
const char *name_of(int n) { return n & 1 ? "odd" : "even"; }
