// fasttrap -q -x aggsortkey -s FILE
//
// Keys are sorted as numbers without a sign; small ones are printed so, too. Increments, normals and clear() with
// negative values; a cleared distribution is printed around 0.
BEGIN
{
	@c[(char)-2] = sum(-2);
	@c[(char)1] = sum(1);
	@s[(short)-1] = sum(-1);
	@i[-2] = sum(-2);
	@i[1] = sum(1);
	@l[-1LL] = sum(-1);
	@l[1LL] = sum(1);
	@q[-1] = quantize(-5, -2);
	@q[-1] = quantize(0);
	@q[1] = quantize(-1);
	printa(@q);
	clear(@q);
	printa(@q);
	trunc(@q);
	@ll = llquantize(15, 10, 0, 6, 20, -1);
	@ll = llquantize(-7, 10, 0, 6, 20);
	@ll = llquantize(0, 10, 0, 6, 20);
	@lq = lquantize(-100, -10, 10, 5);
	@lq = lquantize(10, -10, 10, 5);
	@n["n"] = sum(-7);
	normalize(@n, 2);
	exit(0);
}
