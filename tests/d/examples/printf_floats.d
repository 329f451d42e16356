// fasttrap -q -s FILE
//
// The conversions of floating-point numbers are there for float, double and long double, which only targets have.
struct measure {
	float f;
	double d;
};

BEGIN
{
	this->m = (struct measure *)alloca(sizeof (struct measure));
	this->w = (uint32_t *)this->m;
	this->w[0] = 0x3fc00000;
	this->w[2] = 0x00000000;
	this->w[3] = 0xc0590000;
	printf("[%f] [%.2f] [%e] [%g]\n", this->m->f, this->m->f, this->m->f, this->m->f);
	printf("[%f] [%.1f] [%E] [%G] [%8.0f]\n", this->m->d, this->m->d, this->m->d, this->m->d, this->m->d);
	exit(0);
}
