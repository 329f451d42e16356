// sym_pie.c, static, at fixed addresses.
// cc: -no-pie -static
#include "sym_pie.c"
