// fasttrap -e -v -s FILE
//
// How much one may rely on a program is the least of what one may rely on in what its clauses use.
int level;
int levels[int];
inline int limit = 5;

provider shop {
	probe sale(int);
};

#pragma D attributes Evolving/Stable/ISA level
#pragma D attributes External/Unstable/Group levels
#pragma D attributes Private/Stable/CPU limit
#pragma D attributes Stable/Stable/Common provider shop provider
#pragma D attributes Stable/Evolving/Group provider shop name

BEGIN
{
	level = 1;
}

BEGIN
/levels[1] > 0/
{
	level++;
}

tick-1s
{
	trace(limit);
}

profile:::tick-2s
{
	trace(htons(1));
	this->n = mutex_owned(0);
}

dtrace:::END
{
	@["calls"] = count();
}
