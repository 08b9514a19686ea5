// quern:log for a filter in a pipeline: an object that is asked about each event.
//
//     class Sieve {
//       constructor(options) {}
//       process(event) {
//         return event.body.level === "debug" ? outcome.drop : outcome.keep;
//       }
//     }
//     export const filter = of(Sieve);
import { count as addTo, gauge as say } from "quern:log/metrics@0.1.0";

const text = (body) => JSON.stringify(body);

/** A record on its way. Times are since 1970. */
export class Event {
  /**
   * @param {string} tag where it goes: of an event that the filter makes it may be another
   * @param {bigint} seconds
   * @param {number} nanoseconds
   * @param {object} body
   * @param {string} [metadata] a JSON object; most events have none
   */
  constructor(tag, seconds, nanoseconds, body, metadata) {
    Object.assign(this, { tag, seconds, nanoseconds, body, metadata });
  }

  /** Another body with this one's tag, time and metadata. */
  with(body) {
    return new Event(this.tag, this.seconds, this.nanoseconds, body, this.metadata);
  }
}

/** What becomes of an event; of one at which process() throws it is a dead letter, with the error's text as its reason. */
export const outcome = {
  keep: { tag: "keep" },
  drop: { tag: "drop" },
  /** The same event with this body. */
  change: (body) => ({ tag: "change", val: text(body) }),
  /** These in its place; none is the same as drop. */
  replace: (events) => ({ tag: "replace", val: events.map((event) => ({ ...event, body: text(event.body) })) }),
  /** It goes to the filter's dead letters. */
  dead: (reason) => ({ tag: "dead", val: String(reason) }),
};

/** Adds to a counter of the filter's own. */
export const count = (name, by = 1) => addTo(name, BigInt(by));

/** Says how much there is of something now. */
export const gauge = (name, value) => say(name, value);

/**
 * What the component exports. One filter is made when the pipeline starts, and another one after a trap. A constructor that
 * throws says that the options are wrong: the pipeline does not start.
 */
export function of(Filter) {
  let filter;

  function one(tag, { seconds, nanoseconds, body, metadata }) {
    try {
      const made = filter.process(new Event(tag, seconds, nanoseconds, JSON.parse(body), metadata));
      return made?.tag ? made : outcome.dead("process() returned no outcome");
    } catch (failed) {
      return outcome.dead(failed?.message ?? failed);
    }
  }

  return {
    configure(options) {
      try {
        filter = new Filter(Object.fromEntries(options));
      } catch (wrong) {
        throw String(wrong?.message ?? wrong);
      }
    },
    process: (tag, events) => events.map((event) => one(tag, event)),
  };
}
