/**
 * What `--help` prints: one screen.
 *
 * @module
 */

/** The screen. */
export const USAGE: string = `\
Traces functions of running programs, without root and without restarting them.

usage: fasttrap -n PROBE... -p PID             trace a process that runs
       fasttrap -n PROBE... -c 'CMD ARG...'    start a program and trace it
       fasttrap -n PROBE... -- CMD ARG...      the same, without quoting
       fasttrap -n 'PROBE { D... }' -p PID     trace with a program of the D language; -s FILE.d takes one from a file
       fasttrap -l -n PROBE... -p PID          list the probes that match
       fasttrap usdt list|dump FILE            print the static probes, or the DOF, of a file
       fasttrap doctor [-p PID]                say whether tracing works here, and why not

A probe is PROVIDER:MODULE:FUNCTION:NAME. The provider is pid$target or pid1234, the module a.out or such as libc,
the name entry, return, or the offset of an instruction in hexadecimal digits. Each may hold *, ?, [a-z]; an empty
one matches everything. oneshot$target fires once a probe; objc$target has an Objective-C class for module. Static
probes (USDT) have providers of their own: postgresql$target:::query-start, *$target:::, libstdcxx*:::throw.

  -n PROBE         enable probes; -P, -m, -f take a description that ends with the provider, module, function
  -s FILE          run a D script; -w allows what changes the target, -F indents by calls, -b SIZE is -x bufsize
  -p PID           attach to a process; may be repeated
  -c 'CMD'         start a program, and trace it from its beginning; may be repeated
  -l               list probes, static ones without -n, and enable none; with -v also their stability, arguments,
                   addresses, instructions and semaphores
  -q, -Z           print only what was asked for; accept a description that matches nothing
  -o FILE          append the output to a file
  -j, --format F   write text, or ndjson: one JSON object a line (-j)
  --count          print a table of hits per probe at the end, and no events
  --follow         trace the children of targets, and the programs that they execute, as well
  -x OPTION=VALUE  evaltime=exec|preinit|postinit|main   how far CMD runs before probes are set (preinit)
                   fthashsize=N, ftmax=N                 size of the tracepoint table, most tracepoints
                   jumps=on|off, fasttrapstats           off: each hit stops, none is dropped; dump the tables
                   oformat=text|ndjson, quiet, zdefs     as --format, -q, -Z
                   and of D programs: aggsortkey, aggsortkeypos=N, aggsortpos=N, aggsortrev, aggsize=SIZE, agghist,
                   aggzoom, bufsize=SIZE, bufpolicy=switch|fill|ring, dynvarsize=SIZE, strsize=SIZE, nspec=N,
                   specsize=SIZE, ustackframes=N, stackindent=N, rawbytes, switchrate=TIME, droptags, flowindent
  -h, --help, -V   print this, or the version

Deno's permissions: --allow-ffi always, --allow-run for -c and --, --allow-write=FILE for -o.
Exit codes: 0 done, 1 failure, 2 usage, 3 no probe matched, 4 permission refused, 5 target gone or unsupported.

examples:
  fasttrap -n 'pid$target:libc:malloc:entry' -p 1234        each call of malloc in process 1234
  fasttrap --count -n 'pid$target:a.out::entry' -- ./prog   which functions of ./prog are called how often
  fasttrap -n 'pid$target:libc:malloc:entry { @[ustack(3)] = quantize(arg0); }' -p 1234
                                                            sizes of malloc by who calls it
  fasttrap -n 'pid$target:libc:open*:return' -j -c ls | jq  what open returned, for a program to read
`;
