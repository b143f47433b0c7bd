// `edge-relay run`: the daemon in the foreground. A start that fails says why in one line and leaves the disk as it
// was: everything that can be found out without the journal is found out before it is opened.
#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "operations/commands.hpp"
#include "operations/daemon.hpp"
#include "operations/daemon_options.hpp"
#include "operations/listener_check.hpp"
#include "operations/notify.hpp"
#include "operations/process_setup.hpp"
#include "settings/load.hpp"

namespace relay {
namespace {

void log_start(const LoadedSettings& loaded, const std::vector<std::string>& groups_left_out) {
  log_info("edge-relay " RELAY_VERSION " starts",
           {{"site", loaded.settings.site}, {"configuration", loaded.settings.file.native()}});
  for (const Problem& warning : loaded.warnings) log_warning(warning.text());
  log_groups_left_out(groups_left_out);
  for (const std::string& listener : insecure_listeners_of(loaded.settings)) {
    log_warning("insecure: true: everybody who reaches this listener may use it", {{"listener", listener}});
  }
  const auto descriptors = allow_descriptors(loaded.settings);
  if (descriptors.allowed < descriptors.wanted) {
    log_warning("fewer descriptors are allowed than max_connections asks for; raise LimitNOFILE",
                {{"allowed", descriptors.allowed}, {"wanted", descriptors.wanted}});
  }
}

// A thread that the kernel holds can't be joined: nothing that it uses is destroyed, the process just ends.
[[noreturn]] void end_without(const std::vector<std::string>& hanging) {
  for (const std::string& name : hanging) {
    log_error("it hangs in its files and is left so: see whether its share answers", {{"name", name}});
  }
  log_info("stopped");
  std::_Exit(static_cast<int>(ExitCode::success));
}

ExitCode run(LoadedSettings loaded) {
  ignore_broken_pipes();
  keep_files_from_others();
  if (!loaded.settings.journal.encryption_keys.empty()) keep_memory_out_of_cores();
  Settings& settings = loaded.settings;
  const auto groups_left_out = leave_out_unusable_groups(settings);
  if (const auto complaint = complaint_about_listeners(settings)) {
    log_error(*complaint);
    return ExitCode::failure;
  }
  auto destinations = make_destinations(settings);
  auto journal = open_journal(journal_options_of(settings), system_clock());
  if (!journal) {
    log_error(journal.error().message);
    return ExitCode::journal;
  }
  log_start(loaded, groups_left_out);
  note_configuration(settings, **journal, "start");
  {
    Daemon daemon(std::move(loaded), **journal);
    if (const auto listening = daemon.listen(); !listening) {
      log_error(listening.error().message);
      (*journal)->close();
      return ExitCode::failure;
    }
    daemon.start(std::move(destinations));
    log_info("ready");
    daemon.wait_for_stop();
    const auto hanging = daemon.stop();
    (*journal)->stop_appends();
    (*journal)->close();
    if (!hanging.empty()) end_without(hanging);
  }
  log_info("stopped");
  return ExitCode::success;
}

}  // namespace

ExitCode execute(const RunCommand& command, const Streams& streams) {
  auto loaded = load_settings(command.configuration);
  if (!loaded) {
    for (const Problem& problem : loaded.error()) streams.err << problem.text() << "\n";
    streams.err.flush();
    return ExitCode::configuration;
  }
  configure_log(loaded->settings.log_level, loaded->settings.log_format, stderr_is_journald());
  return run(std::move(loaded).value());
}

}  // namespace relay
