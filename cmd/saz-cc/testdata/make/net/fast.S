	.text
	.globl net_fast
	.type net_fast, @function
net_fast:
#if defined __x86_64__
	mov %edi, %eax
	ret
#elif defined __aarch64__
	ret
#endif
	.size net_fast, .-net_fast
	.section .note.GNU-stack,"",%progbits
