"""Rules over a finished history, in virtual time: tests beside the rules, replays. Pure: the same engine, the same
decisions whether to speak."""
