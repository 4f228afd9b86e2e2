/**
 * The reason of DKIMValid=False where a domain's mail is not signed: the owner may have chosen that, and no look at DNS could
 * find it.
 */
export const notSigned = 'NotSigned'
