/* The program of static_dof.c at a fixed address.
 * cc: -no-pie -fno-pie */
#include "static_dof.c"
