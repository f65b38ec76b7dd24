// Query parameters by their letters in the core's table (a is the first): src/service/parameter.rs.

export const excluded = "a";
export const filter = "b";
export const messageTtlSeconds = "c";
export const reason = "d";
export const targetName = "e";
export const maxPageSize = "f";
export const top = "g";
export const continuationToken = "h";
export const userId = "i";
export const role = "j";
export const minutesToExpire = "k";
export const group = "l";
export const clientType = "m";
