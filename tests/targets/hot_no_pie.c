// hot.c, linked in another way.
// cc: -pthread -no-pie
#include "hot.c"
