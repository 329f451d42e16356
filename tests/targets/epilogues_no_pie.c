// epilogues.c, linked in another way.
// cc: -pthread -no-pie
#include "epilogues.c"
