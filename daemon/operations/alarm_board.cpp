#include "operations/alarm_board.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace relay {
namespace {

std::string sentence_for(const Alarm& alarm) {
  if (alarm.name == "destination_down") return "a destination has been down for longer than its alarm_after";
  if (alarm.name == "refusing_everything") return "a destination refuses everything; its circuit is open";
  if (alarm.name == "confirmation_failed") return "a destination says that what it took over wasn't delivered";
  if (alarm.name == "confirmation_late") return "what a destination took over isn't confirmed after a day";
  if (alarm.name == "stuck") return "deliveries fail again and again while others succeed";
  if (alarm.name == "oldest_queued") return "the oldest delivery waits for longer than alarm_after";
  if (alarm.name == "clock_off") return "the clock of this machine and the destination's disagree";
  if (alarm.name == "disk_low") return "the disk is nearly full: no submission is accepted";
  if (alarm.name == "journal_failing") return "the journal fails: no submission is accepted";
  if (alarm.name == "certificate_expiring") return "a certificate ends within three weeks, or has ended";
  return "alarm";
}

}  // namespace

void AlarmBoard::update(std::vector<Alarm>& alarms) {
  std::map<std::pair<std::string, std::string>, WallTime> now_raised;
  for (Alarm& alarm : alarms) {
    const auto key = std::make_pair(alarm.name, alarm.destination);
    const auto before = raised_.find(key);
    if (before == raised_.end()) {
      log_error(sentence_for(alarm), {{"alarm", alarm.name},
                                      {"destination", alarm.destination},
                                      {"count", static_cast<unsigned long>(alarm.count)}});
    } else {
      alarm.since = std::min(alarm.since, before->second);
    }
    now_raised[key] = alarm.since;
  }
  for (const auto& [key, since] : raised_) {
    if (now_raised.count(key) > 0) continue;
    log_info("an alarm is over",
             {{"ended_alarm", key.first}, {"destination", key.second}, {"since", format_rfc3339(since)}});
  }
  raised_ = std::move(now_raised);
}

}  // namespace relay
