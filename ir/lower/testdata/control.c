int use(int);
int loop(int n)
{
	int sum = 0;
	for (int i = 0; i < n; i++) {
		int k;
		if (i % 2 && use(i))
			k = i;
		else
			continue;
		sum += k;
	}
	return sum ? sum : -1;
}
int pick(unsigned char c)
{
	switch (c) {
	case 1 ... 9:
		return 1;
	case 'x':
		c++;
	default:
		break;
	}
	return c;
}
