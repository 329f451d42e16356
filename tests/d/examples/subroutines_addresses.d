// fasttrap -q -s FILE
//
// inet_ntoa6() writes an address that stands for one of IPv4 as that; inet_ntop() as RFC 5952 has it.
BEGIN
{
	this->a = (uint8_t *)alloca(16);
	printf("%s %s\n", inet_ntoa6((in6_addr_t *)this->a), inet_ntop(AF_INET6, this->a));
	this->a[15] = 1;
	printf("%s %s\n", inet_ntoa6((in6_addr_t *)this->a), inet_ntop(AF_INET6, this->a));
	this->a[15] = 2;
	printf("%s\n", inet_ntoa6((in6_addr_t *)this->a));
	this->a[12] = 127;
	this->a[15] = 1;
	printf("%s %s\n", inet_ntoa6((in6_addr_t *)this->a), inet_ntop(AF_INET6, this->a));
	this->a[10] = 0xff;
	this->a[11] = 0xff;
	printf("%s %s\n", inet_ntoa6((in6_addr_t *)this->a), inet_ntop(AF_INET6, this->a));
	this->a[11] = 0xfe;
	printf("%s %s\n", inet_ntoa6((in6_addr_t *)this->a), inet_ntop(AF_INET6, this->a));
	this->a[0] = 0xfe;
	this->a[1] = 0x80;
	this->a[5] = 7;
	printf("%s %s\n", inet_ntoa6((in6_addr_t *)this->a), inet_ntop(AF_INET6, this->a));
	printf("%s %s\n", inet_ntoa((ipaddr_t *)(this->a + 12)), inet_ntop(AF_INET, this->a + 12));
	exit(0);
}
