/** Our own column in Dex's tables where a record has more than they can hold. It lives and dies with its row. */
export const extraColumn = "dexts_extra";
