/* Where the kernel enters a program without a libc: calls start() with the stack, on which are argc, argv and envp. */
#ifndef FOSTER_ENTRY_POINT_H
#define FOSTER_ENTRY_POINT_H

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call start\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n mov x29,#0\n mov x30,#0\n mov x0,sp\n bl start\n");
#endif

#endif
