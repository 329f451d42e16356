// fasttrap -q -x strsize=32 -s FILE
//
// Strings and members without a name in structures, and what a translator makes, are printed as any other member; empty ones are left out.
struct person {
	int age;
	string name;
	string nickname;
	struct {
		string street;
		int number;
	} home;
	uint64_t id : 60;
	int rank : 4;
	union {
		uint8_t low;
		uint16_t both;
	};
};
struct source {
	int number;
};
translator struct person < struct source *s > {
	age = s->number * 2;
	name = "translated";
};
struct person anna;

BEGIN
{
	anna.age = 30;
	anna.name = "anna";
	anna.home.street = "main road";
	anna.home.number = 5;
	anna.id = 0xfedcba987654321;
	anna.rank = -3;
	anna.both = 0x102;
	print(anna);
	print(&anna.home);
	this->s = (struct source *)alloca(sizeof (struct source));
	this->s->number = 21;
	this->p = xlate <struct person> (this->s);
	print(this->p);
	print(anna.name);
	exit(0);
}
