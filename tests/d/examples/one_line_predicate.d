// fasttrap -n 'BEGIN /1 > 2/ { trace("never"); }' -n 'BEGIN /2 > 1/ { trace("taken"); exit(0); }'
//
// A predicate decides whether the clause runs; what does not run leaves no line.
