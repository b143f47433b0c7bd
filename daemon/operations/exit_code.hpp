// What the program's exit codes mean (contract, "Command line").
#pragma once

namespace relay {

enum class ExitCode : int {
  success = 0,
  failure = 1,
  usage = 2,
  journal = 65,        // the journal can't be used; nothing was changed (EX_DATAERR of sysexits.h)
  configuration = 78,  // EX_CONFIG
};

}  // namespace relay
