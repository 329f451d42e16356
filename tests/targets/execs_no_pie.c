// execs.c, linked so that its functions are at the same addresses in each run.
// cc: -no-pie -pthread
#include "execs.c"
