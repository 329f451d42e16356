/* static_places.c of which nobody knows where its functions are. */
// cc: -s
#include "static_places.c"
