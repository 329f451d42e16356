// fasttrap -s FILE
//
// tracemem() records bytes and prints them as a table in hexadecimal with their characters beside it.
BEGIN
{
	this->a = (char *)alloca(20);
	this->a[0] = 'D';
	this->a[1] = 't';
	this->a[2] = '\n';
	this->a[15] = '~';
	this->a[16] = '\x7f';
	this->a[17] = '\xff';
	this->a[18] = 'e';
	tracemem(this->a, 20);
	exit(0);
}
