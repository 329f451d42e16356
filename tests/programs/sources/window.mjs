// Asks 20 times who its parent is; between the first time and the last one a little of everything happens.
const parents = new Set([process.ppid]);
const lines = [
  [5, 3, 8, 1].sort((a, b) => a - b).join(),
  JSON.stringify(JSON.parse('{"a":[1,2,{"b":null}]}')),
  "one two three".replace(/\b\w/g, (letter) => letter.toUpperCase()),
  [..."äöü"].map((letter) => letter.codePointAt(0)).reduce((sum, n) => sum + n, 0),
  String(2n ** 100n),
  new Date(0).toISOString(),
  Buffer.from("fasttrap").toString("base64"),
  await Promise.all([1, 2].map(async (n) => await n)),
  (() => {
    try {
      return null.missing;
    } catch (error) {
      return error.name;
    }
  })(),
];
for (let i = 0; i < 19; i++) parents.add(process.ppid);
console.log(lines.join("\n"), parents.size);
process.exitCode = 3;
