#include "destinations/directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "base/file.hpp"
#include "base/read_only_advice.hpp"
#include "base/thread_progress.hpp"
#include "destinations/payload_body.hpp"
#include "destinations/text_encoding.hpp"
#include "submission/media_type.hpp"

namespace relay {
namespace {

constexpr std::size_t piece_size = 256 * 1024;
// A poll() ends after that much work, so that its lane gets a turn between large payloads and slow syncs.
constexpr std::chrono::milliseconds time_at_once{100};
constexpr std::size_t pieces_at_once = 64;

AttemptResult broken(const FileError& error, const std::filesystem::path& folder) {
  AttemptResult result;
  result.outcome = Outcome::broken;
  DeliveryError reason;
  switch (error.error_number) {
    case EACCES:
    case EPERM:
    case EROFS:
      reason.kind = ErrorKind::forbidden;
      break;
    case ENOENT:
    case ENOTDIR:
      reason.kind = ErrorKind::not_found;
      break;
    default:  // ENOSPC, EDQUOT, EIO, …
      reason.kind = ErrorKind::unavailable;
  }
  reason.message = error.message;
  if (error.error_number == EROFS) reason.message += read_only_advice(folder);
  result.error = std::move(reason);
  return result;
}

// A file that is written beside its name and takes it only when it is whole; gone with this object otherwise.
class NewFile {
 public:
  NewFile(const std::filesystem::path& folder, const std::string& name)
      : folder_(folder), target_(folder / name), temporary_(folder / ("." + name + ".tmp")) {}
  ~NewFile() {
    if (descriptor_.valid()) ::unlink(temporary_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  const std::filesystem::path& target() const { return target_; }

  // A file that an earlier try left half written is begun anew.
  Result<void, FileError> open() {
    auto opened = open_file(temporary_, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0640);
    if (!opened) return Failure{opened.error()};
    descriptor_ = std::move(*opened);
    return {};
  }
  Result<void, FileError> write(std::string_view bytes) {
    auto written = write_all(descriptor_.get(), bytes);
    if (!written)
      written.error().message = "can't write " + temporary_.string() + ": " + error_text(written.error().error_number);
    return written;
  }
  Result<void, FileError> sync() { return sync_file(descriptor_.get(), temporary_); }
  Result<void, FileError> take_name() {
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
      const int number = errno;
      return Failure{FileError{number, "can't rename " + temporary_.string() + " to " + target_.filename().string() +
                                           ": " + error_text(number)}};
    }
    descriptor_.reset();
    return sync_folder(folder_);
  }

 private:
  std::filesystem::path folder_;
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  FileDescriptor descriptor_;
};

class Directory final : public Destination {
 public:
  Directory(DirectorySettings settings, std::string site) : settings_(std::move(settings)), site_(std::move(site)) {}

  DestinationLimits limits() const override { return {}; }
  void start(Delivery delivery) override { waiting_.push_back(std::move(delivery)); }
  std::vector<DeliveryResult> poll(std::chrono::milliseconds timeout) override;
  std::size_t in_flight() const override { return waiting_.size(); }
  void cancel_all() override {
    writing_.reset();
    waiting_.clear();
  }
  std::vector<ProbeFinding> probe() override;
  void wake() override;

 private:
  // The payload of the first waiting delivery, half written.
  struct Writing {
    Writing(const std::filesystem::path& folder, const std::string& name) : file(folder, name) {}
    NewFile file;
    std::uint64_t offset = 0;
  };

  void wait(std::chrono::milliseconds timeout);
  // Nothing while the payload isn't through yet.
  std::optional<AttemptResult> write_on();
  AttemptResult finish(const Delivery& delivery, NewFile& payload);

  DirectorySettings settings_;
  std::string site_;
  std::deque<Delivery> waiting_;
  std::optional<Writing> writing_;
  std::mutex mutex_;  // guards woken_ alone
  std::condition_variable wake_;
  bool woken_ = false;
};

void Directory::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  wake_.notify_one();
}

void Directory::wait(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, timeout, [this] { return woken_; });
  woken_ = false;
}

std::vector<DeliveryResult> Directory::poll(std::chrono::milliseconds timeout) {
  if (waiting_.empty()) wait(timeout);
  std::vector<DeliveryResult> results;
  // A share that hangs holds this thread, and no restart would help.
  const ThreadProgress::ForeignFiles foreign_files;
  const auto enough = std::chrono::steady_clock::now() + time_at_once;
  for (std::size_t piece = 0; piece < pieces_at_once && !waiting_.empty(); ++piece) {
    if (std::chrono::steady_clock::now() >= enough) break;
    if (auto result = write_on()) {
      results.push_back({waiting_.front().attempt, std::move(*result)});
      writing_.reset();
      waiting_.pop_front();
    }
  }
  return results;
}

std::optional<AttemptResult> Directory::write_on() {
  const Delivery& delivery = waiting_.front();
  if (!writing_) {
    writing_.emplace(settings_.path, directory_payload_name(delivery.submission));
    if (const auto opened = writing_->file.open(); !opened) return broken(opened.error(), settings_.path);
  }
  if (writing_->offset < delivery.payload->size().value) {
    const auto piece = delivery.payload->read(writing_->offset, piece_size);
    if (!piece) return unreadable_payload(piece.error());
    if (piece->empty())
      return unreadable_payload({PayloadFailure::corrupt, "the payload ends before its recorded size"});
    if (const auto written = writing_->file.write(*piece); !written) return broken(written.error(), settings_.path);
    writing_->offset += piece->size();
  }
  if (writing_->offset < delivery.payload->size().value) return std::nullopt;
  return finish(delivery, writing_->file);
}

AttemptResult Directory::finish(const Delivery& delivery, NewFile& payload) {
  NewFile description(settings_.path, delivery.submission.id.text() + ".json");
  if (const auto synced = payload.sync(); !synced) return broken(synced.error(), settings_.path);
  if (const auto opened = description.open(); !opened) return broken(opened.error(), settings_.path);
  if (const auto written = description.write(directory_description(delivery.submission, site_)); !written)
    return broken(written.error(), settings_.path);
  if (const auto synced = description.sync(); !synced) return broken(synced.error(), settings_.path);
  if (const auto named = description.take_name(); !named) return broken(named.error(), settings_.path);
  if (const auto named = payload.take_name(); !named) return broken(named.error(), settings_.path);
  AttemptResult result;
  result.outcome = Outcome::accepted;
  result.receipt["path"] = payload.target().string();
  return result;
}

std::vector<ProbeFinding> Directory::probe() {
  const std::string where = "folder " + settings_.path.string();
  struct stat status {};
  if (::stat(settings_.path.c_str(), &status) != 0)
    return {{ProbeFinding::Kind::bad, where + ": " + error_text(errno) + "; the relay doesn't make it"}};
  if (!S_ISDIR(status.st_mode)) return {{ProbeFinding::Kind::bad, where + ": that isn't a folder"}};
  if (::access(settings_.path.c_str(), W_OK | X_OK) != 0) {
    const int number = errno;
    return {{ProbeFinding::Kind::bad, where + ": can't be written to: " + error_text(number) +
                                          (number == EROFS ? read_only_advice(settings_.path) : "")}};
  }
  return {{ProbeFinding::Kind::good, where + ": it is there and can be written to"}};
}

}  // namespace

std::string directory_payload_name(const Submission& submission) {
  const std::string_view extension = extension_of(submission.content_type);
  const std::string id = submission.id.text();
  return extension == ".json" ? id + ".payload.json" : id + std::string(extension);
}

std::string directory_description(const Submission& submission, const std::string& site) {
  boost::json::object description;
  description["id"] = submission.id.text();
  description["client"] = submission.client;
  description["content_type"] = submission.content_type;
  description["payload_name"] = nullptr;
  if (submission.payload_name) description["payload_name"] = as_utf8(*submission.payload_name);
  description["size"] = submission.size.value;
  description["sha256"] = submission.sha256.hex();
  description["accepted_at"] = format_rfc3339(submission.accepted_at);
  description["intake"] = intake_name(submission.intake);
  description["site"] = as_utf8(site);
  return boost::json::serialize(description) + "\n";
}

std::unique_ptr<Destination> make_directory(const DirectorySettings& settings, const std::string& site) {
  return std::make_unique<Directory>(settings, site);
}

}  // namespace relay
