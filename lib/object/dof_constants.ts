/**
 * The constants of DTrace Object Format, with the names and values of `<sys/dtrace.h>` (DTrace Guide, "Statically
 * Defined Tracing for User Applications"; illumos, uts/common/sys/dtrace.h).
 *
 * @module
 */

/** The first four bytes: DEL, "DOF". */
export const DOF_MAGIC: readonly number[] = [0x7f, 0x44, 0x4f, 0x46];
/** `dofh_ident` index: data model. */
export const DOF_ID_MODEL = 4;
/** `dofh_ident` index: byte order. */
export const DOF_ID_ENCODING = 5;
/** `dofh_ident` index: version of the format. */
export const DOF_ID_VERSION = 6;
/** `dofh_ident` index: version of the instruction set of D. */
export const DOF_ID_DIFVERS = 7;
/** `dofh_ident` index: number of its integer registers. */
export const DOF_ID_DIFIREG = 8;
/** `dofh_ident` index: number of its tuple registers. */
export const DOF_ID_DIFTREG = 9;
/** `dofh_ident` index: first of the bytes that are 0. */
export const DOF_ID_PAD = 10;
/** The size of `dofh_ident` in bytes. */
export const DOF_ID_SIZE = 16;

/** 32-bit data model. */
export const DOF_MODEL_ILP32 = 1;
/** 64-bit data model. */
export const DOF_MODEL_LP64 = 2;
/** Little-endian. */
export const DOF_ENCODE_LSB = 1;
/** Big-endian. */
export const DOF_ENCODE_MSB = 2;

/** The first version. */
export const DOF_VERSION_1 = 1;
/** The version that has is-enabled sites. */
export const DOF_VERSION_2 = 2;
/** A version with two meanings, of which the layout is that of the second. */
export const DOF_VERSION_3 = 3;

/** The size of the header in bytes. */
export const DOF_HEADER_BYTES = 64;
/** The size of a section header in bytes. */
export const DOF_SECTION_BYTES = 32;
/** Section flag: the kernel loads it. */
export const DOF_SECF_LOAD = 1;
/** No section, as the index of the is-enabled offsets of a provider that has none. */
export const DOF_SECIDX_NONE = 0xffffffff;

/** The types of sections in the order of their numbers, without `DOF_SECT_`. */
export const DOF_SECTION_TYPES = [
  "NONE",
  "COMMENTS",
  "SOURCE",
  "ECBDESC",
  "PROBEDESC",
  "ACTDESC",
  "DIFOHDR",
  "DIF",
  "STRTAB",
  "VARTAB",
  "RELTAB",
  "TYPTAB",
  "URELHDR",
  "KRELHDR",
  "OPTDESC",
  "PROVIDER",
  "PROBES",
  "PRARGS",
  "PROFFS",
  "INTTAB",
  "UTSNAME",
  "XLTAB",
  "XLMEMBERS",
  "XLIMPORT",
  "XLEXPORT",
  "PREXPORT",
  "PRENOFFS",
] as const;

/** The type of a section, without `DOF_SECT_`. */
export type DofSectionType = typeof DOF_SECTION_TYPES[number];

/** Relocation: none. */
export const DOF_RELO_NONE = 0;
/** Relocation: add what the object was moved by when it was loaded. */
export const DOF_RELO_SETX = 1;
/** Relocation: add the address of the place itself (FreeBSD). */
export const DOF_RELO_DOFREL = 2;

/** The size of `dof_relohdr_t` in bytes. */
export const DOF_RELOHDR_BYTES = 12;
/** The size of `dof_relodesc_t` in bytes. */
export const DOF_RELODESC_BYTES = 24;
/** The size of `dof_provider_t` in bytes: of version 1, and of later ones. */
export const DOF_PROVIDER_BYTES = { first: 40, later: 44 } as const;
/** The size of `dof_probe_t` in bytes: of version 1, and of later ones. */
export const DOF_PROBE_BYTES = { first: 40, later: 48 } as const;
