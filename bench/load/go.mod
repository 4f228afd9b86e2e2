module relayfleet.dev/bench/load

go 1.21
