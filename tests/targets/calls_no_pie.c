// calls.c, linked in another way.
// cc: -no-pie
#include "calls.c"
