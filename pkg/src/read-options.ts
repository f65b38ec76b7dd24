/** The name of every option in `Options`. The compiler reports a name that is missing. */
export type OptionNames<Options> = { readonly [Name in keyof Options]-?: true };

/**
 * Copies the options of a call, so that later changes to the caller's object have no effect.
 *
 * Options may be own or inherited members, so class instances and `Object.create(defaults)` work. Members inherited
 * from `Object.prototype` are ignored: code elsewhere in the application may have added them.
 *
 * @param call The function or class to name in an error.
 * @throws `TypeError` with the code `ERR_OPTION` if the options are not an object, or have a name that `names` does not
 * list.
 */
export function readOptions<Options extends object>(
  given: Options | null | undefined,
  names: OptionNames<Options>,
  call: string,
): Options {
  const options = Object.create(null) as Options;
  if (given === null || given === undefined) {
    return options;
  }
  if (typeof given !== "object" || Array.isArray(given)) {
    throw optionError(`The options of ${call} must be an object.`);
  }
  for (const name in given) {
    if (isMember(given, name)) {
      if (!Object.hasOwn(names, name)) {
        throw optionError(`${call} has no option "${name}". ${advice(name, Object.keys(names))}`);
      }
      options[name] = given[name];
    }
  }
  // Other objects than literals can have members that the loop does not find, such as the getters of a class.
  if (Object.getPrototypeOf(given) !== Object.prototype) {
    for (const name of Object.keys(names) as (keyof Options)[]) {
      if (!(name in options) && isMember(given, name)) {
        options[name] = given[name];
      }
    }
  }
  return options;
}

/** True if an object has a member that is not inherited from `Object.prototype`. */
function isMember(object: object, name: PropertyKey): boolean {
  for (let holder = object; holder && holder !== Object.prototype; holder = Object.getPrototypeOf(holder)) {
    if (Object.hasOwn(holder, name)) {
      return true;
    }
  }
  return false;
}

function advice(name: string, known: readonly string[]): string {
  const similar = known.find((option) => option.toLowerCase() === name.toLowerCase());
  return similar === undefined ? `Its options are ${known.join(", ")}.` : `Did you mean "${similar}"?`;
}

function optionError(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: "ERR_OPTION" as const });
}
