/*
 * static_notes.h - static probes as SystemTap's notes describe them, without
 * sys/sdt.h, which not every machine has.
 */
#ifndef STATIC_NOTES_H
#define STATIC_NOTES_H

/* A site whose operands the text names by %[name], as in "8@%[size]". */
#define NOTE(provider, name, semaphore, operands, ...)                         \
  asm volatile("990: nop\n"                                                    \
               ".pushsection .note.stapsdt, \"\", \"note\"\n"                  \
               ".balign 4\n"                                                   \
               ".long 992f - 991f, 994f - 993f, 3\n"                           \
               "991: .asciz \"stapsdt\"\n"                                     \
               "992: .balign 4\n"                                              \
               "993: .quad 990b, _.stapsdt.base, " semaphore "\n"              \
               ".asciz \"" provider "\", \"" name "\", \"" operands "\"\n"     \
               "994: .balign 4\n"                                              \
               ".popsection\n"                                                 \
               ".ifndef _.stapsdt.base\n"                                      \
               ".pushsection .stapsdt.base, \"a\", \"progbits\"\n"             \
               "_.stapsdt.base: .space 1\n"                                    \
               ".popsection\n"                                                 \
               ".endif\n" ::__VA_ARGS__)

/* The counter of who listens, as a symbol of the name that a note names. */
#define SEMAPHORE(name)                                                        \
  __attribute__((section(".probes"))) volatile unsigned short name

#endif
