// sym_pie.c, at fixed addresses.
// cc: -no-pie
#include "sym_pie.c"
