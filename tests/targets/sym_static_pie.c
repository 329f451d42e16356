// sym_pie.c, static and position-independent.
// cc: -static-pie -fPIE
#include "sym_pie.c"
