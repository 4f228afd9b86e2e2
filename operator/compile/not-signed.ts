/** Reason of DKIMValid=False where nothing signs a domain's mail: its owner may have chosen that, and no look at records finds it. */
export const notSigned = 'NotSigned'
