/**
 * What `--help` prints: one screen.
 *
 * @module
 */

/** The screen. */
export const USAGE: string = `\
Traces functions of running programs, without root and without restarting them.

usage: fasttrap -n PROBE... -p PID             trace a process that runs
       fasttrap -n PROBE... -- CMD ARG...      start a program and trace it; -c 'CMD ARG...' does the same
       fasttrap -n 'PROBE { D... }' -p PID     trace with a program of the D language; -s FILE.d takes one from a file
       fasttrap -l -n PROBE... -p PID          list the probes that match
       fasttrap usdt list|dump FILE            print the static probes, or the DOF, of a file
       fasttrap doctor [-p PID]                say whether tracing works here, and why not

A probe is PROVIDER:MODULE:FUNCTION:NAME. The provider is pid$target or pid1234, the module a.out or such as libc,
the name entry, return, or the offset of an instruction in hexadecimal digits. Each may hold *, ?, [a-z]; an empty
one matches everything. oneshot$target fires once a probe; objc$target has an Objective-C class for module. Static
probes (USDT) have providers of their own: postgresql$target:::query-start, *$target:::, libstdcxx*:::throw.

  -n PROBE         enable probes; -P, -m, -f take a description that ends with the provider, module, function
  -s FILE          run a D script; -i N a probe by its number; -e only compiles; -h -s FILE writes a provider's header
  -w, -F, -b SIZE  of D: allow what changes the target; indent by calls; -x bufsize; -64 is what programs are anyway
  -C, -L FOLDER    send scripts through cpp, with -D, -U, -I, -H and -X a|c|s|t; read D libraries
  -p PID           attach to a process; may be repeated
  -c 'CMD'         start a program, and trace it from its beginning; may be repeated
  -l, -v           list probes, static ones without -n; tell all that is known of them, or how stable a D program is
  -q, -Z           print only what was asked for; accept a description that matches nothing
  -o FILE          append the output to a file
  -j, --format F   write text, or ndjson: one JSON object a line (-j)
  --count          print a table of hits per probe at the end, and no events
  --follow         trace the children of targets, and the programs that they execute, as well
  -x OPTION=VALUE  evaltime=exec|preinit|postinit|main (how far CMD runs before probes are set), fthashsize=N, ftmax=N,
                   jumps=on|off (off: each hit stops, none is dropped), fasttrapstats, oformat=text|ndjson; of D:
                   agghist aggpack aggrate aggsize aggsortkey aggsortkeypos aggsortpos aggsortrev aggzoom amin bufpolicy
                   bufresize bufsize cleanrate cpp cppargs cpphdrs cpppath defaultargs define destructive droptags
                   dynvarsize empty encoding errtags flowindent incdir jstackframes libdir maxframes nolibs noresolve
                   nspec printsize pspec quiet quietresize rawbytes scratchsize specsize stackframes stackindent
                   statusrate stdc strsize switchrate undef ustackframes version zdefs
  -h, --help, -V   print this, or the version

Deno's permissions: --allow-ffi always, --allow-run for -c, --, -C and system(), --allow-write for -o, -h, freopen().
Exit codes: 0 done, 1 failure, 2 usage, 3 no probe matched, 4 permission refused, 5 target gone or unsupported;
with a D program 1 for 3 to 5, as dtrace, and what its exit() says.

examples:
  fasttrap -n 'pid$target:libc:malloc:entry' -p 1234        each call of malloc in process 1234
  fasttrap --count -n 'pid$target:a.out::entry' -- ./prog   which functions of ./prog are called how often
  fasttrap -n 'pid$target:libc:malloc:entry { @[ustack(3)] = quantize(arg0); }' -p 1234
                                                            sizes of malloc by who calls it
`;
