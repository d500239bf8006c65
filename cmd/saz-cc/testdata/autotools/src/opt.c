int options(int argc, char **argv);
int options(int argc, char **argv) { return argc > 1 && argv[1][0] == '-'; }
