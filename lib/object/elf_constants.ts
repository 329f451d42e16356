/**
 * The constants of the ELF format that this layer uses, with the names and values of the System V ABI, chapter 4
 * ("Object Files"), and, where marked GNU, of glibc's `elf.h`.
 *
 * @module
 */

/** The four bytes at the start of the file, as a little-endian word. */
export const ELF_MAGIC = 0x464c457f;
/** `e_ident` index: file class. */
export const EI_CLASS = 4;
/** `e_ident` index: byte order. */
export const EI_DATA = 5;
/** 32-bit objects. */
export const ELFCLASS32 = 1;
/** 64-bit objects. */
export const ELFCLASS64 = 2;
/** Little-endian. */
export const ELFDATA2LSB = 1;
/** Big-endian. */
export const ELFDATA2MSB = 2;

/** An executable at a fixed address. */
export const ET_EXEC = 2;
/** A shared object or a position-independent executable. */
export const ET_DYN = 3;

/** `e_machine`: 32-bit x86. */
export const EM_386 = 3;
/** `e_machine`: x86-64. */
export const EM_X86_64 = 62;
/** `e_machine`: 64-bit Arm. */
export const EM_AARCH64 = 183;

/** `e_phnum`: the count is elsewhere. Only core files need it; Linux refuses to run such a program. */
export const PN_XNUM = 0xffff;

/** A segment that is loaded. */
export const PT_LOAD = 1;
/** Where the dynamic section is. */
export const PT_DYNAMIC = 2;
/** The path of the program interpreter. */
export const PT_INTERP = 3;
/** Notes. */
export const PT_NOTE = 4;
/** Where the program headers themselves are. */
export const PT_PHDR = 6;
/** What each thread gets a copy of. */
export const PT_TLS = 7;
/** The table of the call frames (GNU). */
export const PT_GNU_EH_FRAME = 0x6474e550;
/** Segment flag: executable. */
export const PF_X = 1;
/** Segment flag: writable. */
export const PF_W = 2;

/** An undefined symbol. */
export const SHN_UNDEF = 0;
/** A common symbol, of which the linker has yet to make storage. */
export const SHN_COMMON = 0xfff2;
/** The section's index is too large for the field and stands elsewhere. */
export const SHN_XINDEX = 0xffff;

/** Section type: symbol table. */
export const SHT_SYMTAB = 2;
/** Section type: string table. */
export const SHT_STRTAB = 3;
/** Section type: relocations with addends. */
export const SHT_RELA = 4;
/** Section type: notes. */
export const SHT_NOTE = 7;
/** Section type: occupies no space in the file. */
export const SHT_NOBITS = 8;
/** Section type: dynamic linker's symbol table. */
export const SHT_DYNSYM = 11;
/** Section type: DTrace Object Format (Solaris: `SHT_SUNW_dof`). */
export const SHT_SUNW_DOF = 0x6ffffff4;
/** Section type: versions of the dynamic symbols (GNU). */
export const SHT_GNU_VERSYM = 0x6fffffff;
/** Section flag: is in memory when the program runs. */
export const SHF_ALLOC = 2;
/** Section flag: holds instructions. */
export const SHF_EXECINSTR = 4;

/** Symbol binding: weak. */
export const STB_WEAK = 2;
/** Symbol binding: local to its object file. */
export const STB_LOCAL = 0;
/** Symbol type: variable of which each thread has its own; its value is an offset in {@linkcode PT_TLS}. */
export const STT_TLS = 6;
/** Symbol type: function. */
export const STT_FUNC = 2;
/** Symbol type: function that returns the function to use (GNU). */
export const STT_GNU_IFUNC = 10;
/** Bit of a version index: not the default version of its name (GNU). */
export const VERSYM_HIDDEN = 0x8000;

/** Dynamic entry: end of the array. */
export const DT_NULL = 0;
/** Dynamic entry: size of the relocations of the linkage table. */
export const DT_PLTRELSZ = 2;
/** Dynamic entry: hash table. */
export const DT_HASH = 4;
/** Dynamic entry: string table. */
export const DT_STRTAB = 5;
/** Dynamic entry: symbol table. */
export const DT_SYMTAB = 6;
/** Dynamic entry: relocations with addends. */
export const DT_RELA = 7;
/** Dynamic entry: size of the relocations with addends. */
export const DT_RELASZ = 8;
/** Dynamic entry: size of the string table. */
export const DT_STRSZ = 10;
/** Dynamic entry: name of the shared object. */
export const DT_SONAME = 14;
/** Dynamic entry: the kind of the relocations of the linkage table, {@linkcode DT_RELA} or without addends. */
export const DT_PLTREL = 20;
/** Dynamic entry: where the dynamic linker keeps what it tells debuggers, filled in when it runs. */
export const DT_DEBUG = 21;
/** Dynamic entry: relocations of the linkage table. */
export const DT_JMPREL = 23;
/** Dynamic entry: hash table (GNU). */
export const DT_GNU_HASH = 0x6ffffef5;
/** Dynamic entry: versions of the symbols (GNU). */
export const DT_VERSYM = 0x6ffffff0;
/** Dynamic entry: more flags. */
export const DT_FLAGS_1 = 0x6ffffffb;
/** Flag of {@linkcode DT_FLAGS_1}: position-independent executable (GNU). */
export const DF_1_PIE = 0x08000000;

/** Relocation of x86-64: the address of a symbol, in the global offset table. */
export const R_X86_64_GLOB_DAT = 6;
/** Relocation of x86-64: the address of a function, in the linkage table. */
export const R_X86_64_JUMP_SLOT = 7;
/** Relocation of x86-64: the addend and the load bias. */
export const R_X86_64_RELATIVE = 8;
/** Relocation of x86-64: what the function at the addend returns (GNU). */
export const R_X86_64_IRELATIVE = 37;
/** Relocation of aarch64: the address of a symbol, in the global offset table. */
export const R_AARCH64_GLOB_DAT = 1025;
/** Relocation of aarch64: the address of a function, in the linkage table. */
export const R_AARCH64_JUMP_SLOT = 1026;
/** Relocation of aarch64: the addend and the load bias. */
export const R_AARCH64_RELATIVE = 1027;
/** Relocation of aarch64: what the function at the addend returns. */
export const R_AARCH64_IRELATIVE = 1032;

/** Note type: build identifier, of the owner "GNU". */
export const NT_GNU_BUILD_ID = 3;
/** Note type: a static probe, of the owner "stapsdt". */
export const NT_STAPSDT = 3;
