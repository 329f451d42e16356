/**
 * `fasttrap usdt`: from a file to what is printed of it.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import { DTraceError } from "../errors.ts";
import { readStaticFile, type StaticFile } from "./static_file.ts";
import { listProviders } from "./static_listing.ts";
import { formatDofJson, formatStaticListJson } from "./usdt_json.ts";
import type { UsdtOptions } from "./usdt_options.ts";
import { formatDof, formatStaticList } from "./usdt_text.ts";

/** What is to be printed. */
export interface StaticDescription {
  /** What was asked for. */
  readonly text: string;
  /** What is wrong with parts of the file. */
  readonly problems: readonly DTraceError[];
}

/**
 * Describes the static probes, or the DOF, of a file.
 *
 * @param kernel The kernel's requests.
 * @param options What to describe, and how.
 * @returns What is to be printed.
 * @throws {SystemError} If the file cannot be opened.
 * @throws {DTraceError} `D_PDESC_ZERO` if it has nothing of what was asked for; see `readStaticFile` for the others.
 */
export function describeStaticFile(kernel: Kernel, options: UsdtOptions): StaticDescription {
  const file = readStaticFile(kernel, options.path);
  return { text: options.action === "list" ? list(file, options) : dump(file, options), problems: file.problems };
}

function list(file: StaticFile, options: UsdtOptions): string {
  const providers = listProviders(file);
  if (providers.every(({ probes }) => probes.length === 0)) throw nothing(file, "static probes");
  return options.format === "json" ? formatStaticListJson(file) : formatStaticList(providers, options);
}

function dump(file: StaticFile, options: UsdtOptions): string {
  if (file.dofs.length === 0) throw nothing(file, "DOF");
  return options.format === "json" ? formatDofJson(file) : file.dofs.map(formatDof).join("");
}

/** What is wrong with the file is the better answer, if something is. */
function nothing({ path, problems }: StaticFile, what: string): DTraceError {
  return problems[0] ?? new DTraceError("D_PDESC_ZERO", `Cannot print the ${what} of "${path}": it has none`);
}
