// `edge-relay export`: everything undelivered as a tar archive, from the daemon or, where it won't start, from the
// journal itself.
#include <ostream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/file.hpp"
#include "journal/offline_journal.hpp"
#include "operations/admin_client.hpp"
#include "operations/commands.hpp"
#include "operations/export_stream.hpp"
#include "operations/human_text.hpp"
#include "operations/json_reading.hpp"
#include "operations/process_setup.hpp"
#include "operations/progress_line.hpp"
#include "operations/tar_archive.hpp"
#include "settings/load.hpp"

namespace relay {
namespace {

namespace json = boost::json;

// Beside its final name until it is whole, so that nobody takes a part for the whole.
class NewFile {
 public:
  static Result<std::unique_ptr<NewFile>> make(const std::string& path) {
    struct stat there {};
    if (::stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
      return fail(fmt::format("{} is there and is no file; name a path where an archive can be made", path));
    }
    const std::string part = path + ".part";
    // One that an interrupted export left may be readable by others, or be somebody's link.
    ::unlink(part.c_str());
    auto file = open_file(part, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!file) return fail(file.error().message);
    return std::make_unique<NewFile>(path, part, std::move(*file));
  }
  NewFile(std::string path, std::string part, FileDescriptor file)
      : path_(std::move(path)), part_(std::move(part)), file_(std::move(file)) {}
  ~NewFile() {
    if (!kept_) ::unlink(part_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  bool write(std::string_view bytes) {
    while (!bytes.empty() && error_ == 0) {
      const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        error_ = errno;
        break;
      }
      bytes.remove_prefix(static_cast<std::size_t>(written));
      size_ += static_cast<std::uint64_t>(written);
    }
    return error_ == 0;
  }
  Result<void> keep() {
    if (error_ == 0 && (::fsync(file_.get()) != 0 || ::rename(part_.c_str(), path_.c_str()) != 0)) error_ = errno;
    if (error_ != 0) return fail(fmt::format("can't write {}: {}", path_, error_text(error_)));
    kept_ = true;
    return {};
  }
  int error() const { return error_; }
  ByteCount size() const { return {size_}; }

 private:
  const std::string path_;
  const std::string part_;
  FileDescriptor file_;
  int error_ = 0;
  std::uint64_t size_ = 0;
  bool kept_ = false;
};

struct Exported {
  std::uint64_t submissions = 0;
  std::uint64_t without_payload = 0;
};

ExitCode complain(const Streams& streams, const std::string& what, ExitCode code = ExitCode::failure) {
  streams.err << "edge-relay export: " << one_line(what) << "\n";
  return code;
}

// What is in the archive, counted as it passes.
class ArchiveCount {
 public:
  void see(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto event = parser_.next(bytes);
      if (event == TarParser::Event::entry) {
        const bool metadata = parser_.name().ends_with("/metadata.json");
        ++(metadata ? submissions_ : payloads_);
      } else if (event == TarParser::Event::need_more || event == TarParser::Event::malformed) {
        return;
      } else if (event == TarParser::Event::end) {
        ended_ = true;
      }
    }
  }
  bool ended() const { return ended_; }
  Exported counted() const { return {submissions_, submissions_ - payloads_}; }

 private:
  TarParser parser_;
  bool ended_ = false;
  std::uint64_t submissions_ = 0;
  std::uint64_t payloads_ = 0;
};

std::uint64_t undelivered_now(AdminClient& client) {
  const auto answer = client.get("/v1/status");
  if (!answer || answer->status != 200) return 0;
  const auto status = parse_json_object(answer->body);
  if (!status) return 0;
  const json::object& journal = object_member(*status, "journal");
  return count_member(journal, "queued") + count_member(journal, "dead_letter");
}

Result<Exported> from_daemon(const ExportCommand& command, NewFile& file, const Streams& streams) {
  AdminClient client(command.configuration);
  const std::uint64_t expected = undelivered_now(client);
  ProgressLine progress(streams.err);
  ArchiveCount count;
  const auto answer = client.get_into("/v1/export", [&](std::string_view bytes) {
    count.see(bytes);
    progress.bar(count.counted().submissions, expected, human_size(file.size()));
    return file.write(bytes);
  });
  if (file.error() != 0) return fail(fmt::format("can't write {}: {}", command.output, error_text(file.error())));
  if (!answer) return fail(answer.error().message);
  if (answer->status != 200) return fail(problem_text(*answer));
  if (!count.ended()) return fail("the daemon's answer ended before its end");
  return count.counted();
}

Result<Exported> from_journal(OfflineJournal& journal, NewFile& file, const Streams& streams) {
  ProgressLine progress(streams.err);
  ExportStream stream(journal.undelivered(), [&](const SubmissionId& id) { return journal.payload_of(id); });
  for (;;) {
    const auto step = stream.next();
    if (!step) return fail(step.error().message);
    if (step->over) break;
    if (!file.write(step->bytes)) break;
    progress.say(
        fmt::format("{}, {}", counted(stream.submissions(), "submission", "submissions"), human_size(file.size())));
  }
  return Exported{stream.submissions(), stream.payloads_lost()};
}

ExitCode finish(const ExportCommand& command, const Result<Exported>& exported, NewFile& file, const Streams& streams) {
  if (!exported) return complain(streams, exported.error().message);
  if (const auto kept = file.keep(); !kept) return complain(streams, kept.error().message);
  if (command.json) {
    const json::object result{{"submissions", exported->submissions},
                              {"without_payload", exported->without_payload},
                              {"bytes", file.size().value}};
    streams.out << json::serialize(result) << "\n";
  } else {
    streams.out << fmt::format("{}, {}\n", counted(exported->submissions, "submission", "submissions"),
                               human_size(file.size()));
  }
  if (exported->without_payload == 0) return ExitCode::success;
  streams.err << fmt::format(
      "edge-relay export: {} damaged and not in the archive; its metadata says which, and so does `edge-relay "
      "verify`\n",
      counted(exported->without_payload, "payload is", "payloads are"));
  return ExitCode::failure;
}

ExitCode export_offline(const ExportCommand& command, const Streams& streams) {
  const auto path = journal_path_of(command.configuration);
  if (!path) return complain(streams, path.error().message, ExitCode::configuration);
  auto keys = journal_keys_of(command.configuration);
  if (!keys) return complain(streams, keys.error().message, ExitCode::configuration);
  if (!keys->empty()) keep_memory_out_of_cores();
  auto journal = OfflineJournal::open(path->native(), *keys);
  if (!journal) return complain(streams, journal.error().message, ExitCode::journal);
  auto file = NewFile::make(command.output);
  if (!file) return complain(streams, file.error().message);
  return finish(command, from_journal(**journal, **file, streams), **file, streams);
}

}  // namespace

ExitCode execute(const ExportCommand& command, const Streams& streams) {
  if (command.offline) return export_offline(command, streams);
  auto file = NewFile::make(command.output);
  if (!file) return complain(streams, file.error().message);
  return finish(command, from_daemon(command, **file, streams), **file, streams);
}

}  // namespace relay
