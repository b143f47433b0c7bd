// `edge-relay import`: hands an archive of `export` to the running daemon.
#include <ostream>

#include <fmt/format.h>
#include <boost/json/value.hpp>

#include "operations/admin_client.hpp"
#include "operations/commands.hpp"
#include "operations/file_body.hpp"
#include "operations/human_text.hpp"
#include "operations/json_reading.hpp"
#include "operations/progress_line.hpp"

namespace relay {
namespace {

class WatchedBody : public HttpBodySource {
 public:
  WatchedBody(std::shared_ptr<HttpBodySource> body, std::ostream& stream) : body_(std::move(body)), progress_(stream) {}
  ByteCount size() const override { return body_->size(); }
  Result<std::string> read(std::uint64_t offset, std::size_t limit) override {
    progress_.bar(offset, size().value, human_size({offset}));
    return body_->read(offset, limit);
  }
  void clear() { progress_.clear(); }

 private:
  const std::shared_ptr<HttpBodySource> body_;
  ProgressLine progress_;
};

ExitCode complain(const Streams& streams, const std::string& what) {
  streams.err << "edge-relay import: " << one_line(what) << "\n";
  return ExitCode::failure;
}

}  // namespace

ExitCode execute(const ImportArchiveCommand& command, const Streams& streams) {
  auto file = open_file_body(command.file);
  if (!file) return complain(streams, file.error().message);
  const auto body = std::make_shared<WatchedBody>(std::move(*file), streams.err);
  AdminClient client(command.configuration);
  const auto answer = client.post("/v1/import", {{"Content-Type", "application/x-tar"}}, body, Patience::long_work);
  body->clear();
  if (!answer) return complain(streams, answer.error().message);
  if (answer->status != 200) return complain(streams, problem_text(*answer));
  const auto result = parse_json_object(answer->body);
  if (!result) return complain(streams, result.error().message);
  const auto& conflicting = array_member(*result, "conflicting");
  if (command.json) {
    streams.out << answer->body << "\n";
  } else {
    streams.out << fmt::format("{} imported, {} there already\n",
                               counted(count_member(*result, "imported"), "submission", "submissions"),
                               count_member(*result, "already_there"));
  }
  if (const auto lost = count_member(*result, "without_payload"); lost > 0) {
    streams.err << fmt::format("{} in the archive without a payload, and left out\n",
                               counted(lost, "submission is", "submissions are"));
  }
  for (const auto& id : conflicting) {
    if (id.is_string()) {
      streams.err << fmt::format("{} is another submission here: left out\n", one_line(id.as_string()));
    }
  }
  return conflicting.empty() ? ExitCode::success : ExitCode::failure;
}

}  // namespace relay
