void tally(int);
int tallied(void);
const char *name_of(int);
int common(int);
