/** D programs from their source to what they print, with a simulated target. */

import {
  CONSUMER_DEFAULTS,
  type ConsumerOptions,
  setConsumerOption,
} from "../../../lib/consumer/program/consumer_options.ts";
import type { RecordWriter } from "../../../lib/consumer/program/consumed_record.ts";
import { JsonWriter } from "../../../lib/consumer/program/json_writer.ts";
import { type ConsumerHost, ProgramConsumer } from "../../../lib/consumer/program/program_consumer.ts";
import { TextWriter } from "../../../lib/consumer/program/text_writer.ts";
import { textOfBytes } from "../../../lib/consumer/records/byte_text.ts";
import { Simulation } from "../../d/simulated.ts";
import { CONTEXT } from "../records/data.ts";

/** How a screen comes about. */
export interface ScreenOptions {
  /** Options as `-x` has them. */
  readonly set?: readonly string[];
  readonly json?: boolean;
  readonly testing?: boolean;
  /** What happens between BEGIN and END. */
  readonly events?: (screen: Screen) => void;
}

/** A program that is consumed. */
export class Screen {
  /** Standard output, a character for each byte. */
  out = "";
  /** Standard error. */
  err = "";
  /** What the host was asked to do. */
  readonly requests: string[] = [];
  readonly simulation: Simulation;
  readonly consumer: ProgramConsumer;

  constructor(source: string, { set = [], json = false, testing = false }: ScreenOptions) {
    const options: ConsumerOptions = { ...CONSUMER_DEFAULTS, bufsize: 1 << 16 };
    for (const text of set) {
      const [name, value] = text.split("=");
      if (setConsumerOption(options, name!, value) !== undefined) throw new RangeError(`Cannot set ${text}`);
    }
    this.simulation = new Simulation(source, options);
    const writer: RecordWriter = json ? new JsonWriter(options, CONTEXT) : new TextWriter(options, CONTEXT, testing);
    const host: ConsumerHost = {
      write: (bytes) => this.out += textOfBytes(bytes),
      say: (text) => this.err += text,
      system: (command) => this.requests.push(`system ${textOfBytes(command)}`),
      reopen: (path) => this.requests.push(`freopen ${textOfBytes(path)}`),
      truncate: () => this.requests.push("ftruncate"),
      setOption: (name, value) => {
        this.requests.push(`setopt ${name} ${value}`);
        return name === "nonsense" ? "Invalid option name" : undefined;
      },
    };
    this.consumer = new ProgramConsumer(this.simulation.running, options, writer, CONTEXT, host);
    for (let epid = 2; this.simulation.enabling(epid) !== undefined; epid++) {
      this.consumer.register(this.simulation.enabling(epid));
    }
  }

  /** Fires a probe and consumes what it records. */
  fire(name: string, ...args: (bigint | number)[]): this {
    this.simulation.fire(name, ...args);
    this.consumer.consume();
    return this;
  }
}

/** Runs a program: BEGIN, the events, END. */
export function screenOf(source: string, options: ScreenOptions = {}): Screen {
  const screen = new Screen(source, options);
  screen.fire("BEGIN");
  options.events?.(screen);
  screen.fire("END");
  screen.consumer.finish();
  return screen;
}
