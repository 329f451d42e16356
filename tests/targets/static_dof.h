/*
 * static_dof.h - the DTrace Object Format of static_dof.c, written by hand for
 * the assembler, so that nothing of this project has made it. In a program at
 * a fixed address it holds addresses; in others distances from the field.
 */
#ifndef STATIC_DOF_H
#define STATIC_DOF_H

#ifdef __PIE__
#define ADDRESS(symbol) ".quad " #symbol " - .\n"
#define RELOCATION "2"
#else
#define ADDRESS(symbol) ".quad " #symbol "\n"
#define RELOCATION "1"
#endif

/* type, alignment, loaded, entry size, place and size of a section */
#define SECTION(type, align, entry, name)                                      \
  ".long " #type ", " #align ", 1, " #entry "\n"                               \
  ".quad dof_" #name " - dof_start, dof_" #name "_end - dof_" #name "\n"

asm(".pushsection .SUNW_dof, \"a\", @progbits\n"
    ".balign 8\n"
    "dof_start: .byte 0x7f, 'D', 'O', 'F', 2, 1, 2, 2, 8, 8, 0, 0, 0, 0, 0, 0\n"
    ".long 0, 64, 32, 8\n"
    ".quad 64, dof_end - dof_start, dof_end - dof_start, 0\n" SECTION(
        8, 1, 0,
        strings) SECTION(16, 8, 48,
                         probes) SECTION(17, 1, 1,
                                         map) SECTION(18, 4, 4,
                                                      offsets) SECTION(26, 4, 4,
                                                                       enabled)
        SECTION(15, 4, 0, provider) SECTION(10, 8, 24, relocations) SECTION(
            12, 4, 0,
            header) "dof_strings: .asciz \"\"\n"
                    "s_provider: .asciz \"static_dof\"\n"
                    "s_work: .asciz \"work\"\n"
                    "s_go: .asciz \"go\"\n"
                    "s_gated: .asciz \"gated-one\"\n"
                    "s_types: .asciz \"int\", \"char *\"\n"
                    "s_swapped: .asciz \"char *\", \"int\"\n"
                    "dof_strings_end: .balign 8\n"
                    "dof_probes:\n" ADDRESS(
                        work) ".long s_work - dof_strings, s_go - dof_strings\n"
                              ".long s_types - dof_strings, s_swapped - "
                              "dof_strings, 0, 0\n"
                              ".byte 2, 2\n .short 2\n .long 0\n .short 0, 0\n "
                              ".long 0\n" ADDRESS(
                                  work) ".long s_work - dof_strings, s_gated - "
                                        "dof_strings\n"
                                        ".long s_types - dof_strings, s_types "
                                        "- dof_strings, 2, 2\n"
                                        ".byte 1, 1\n .short 1\n .long 0\n "
                                        ".short 1, 0\n .long 0\n"
                                        "dof_probes_end:\n"
                                        "dof_map: .byte 1, 0, 0\n dof_map_end: "
                                        ".balign 4\n"
                                        "dof_offsets: .long go_1 - work, go_2 "
                                        "- work, gated_1 - work\n"
                                        "dof_offsets_end:\n"
                                        "dof_enabled: .long enabled_1 - work\n "
                                        "dof_enabled_end:\n"
                                        "dof_provider: .long 0, 1, 2, 3, "
                                        "s_provider - dof_strings\n"
                                        ".long 0x05050500, 0x01010000, "
                                        "0x01010000, 0x05050500, 0x05050900, "
                                        "4\n"
                                        "dof_provider_end: .balign 8\n"
                                        "dof_relocations: .long s_work - "
                                        "dof_strings, " RELOCATION
                                        "\n .quad 0, 0\n"
                                        ".long s_work - "
                                        "dof_strings, " RELOCATION
                                        "\n .quad 48, 0\n"
                                        "dof_relocations_end:\n"
                                        "dof_header: .long 0, 6, 1\n "
                                        "dof_header_end: .balign 8\n"
                                        "dof_end: .popsection\n");

#endif
