// S3 as the conformance suite sees it.
#include <atomic>
#include <fstream>
#include <mutex>

#include "support/conformance.hpp"
#include "support/fault_http_server.hpp"
#include "support/temporary_folder.hpp"

namespace relay {
namespace {

FaultAnswer answer(unsigned status, const std::string& code = {}) {
  FaultAnswer made;
  made.status = status;
  if (!code.empty()) made.body = "<Error><Code>" + code + "</Code></Error>";
  return made;
}

class S3Peer final : public ConformancePeer {
 public:
  S3Peer() : key_file_(folder_.path() / "key"), server_([this](const SeenRequest& request) { return serve(request); }) {
    change_credential();
  }

  DestinationSettings settings() override {
    S3Settings s3;
    s3.endpoint = server_.url();
    s3.region = "eu-test-1";
    s3.bucket = "reports";
    s3.path_style = true;
    s3.key = *NameTemplate::parse("{client}/{id}.{extension}");
    s3.access_key = SecretText("${file:" + key_file_.string() + "}", Secret(key_));
    s3.secret_key = SecretText("secret");
    DestinationSettings settings;
    settings.name = "s3";
    settings.system = s3;
    settings.timeout = std::chrono::milliseconds(500);
    return settings;
  }

  bool can_be(PeerMood) const override { return true; }
  void be(PeerMood mood) override { mood_ = mood; }
  void go_away() override { server_.stop(); }
  void come_back() override { server_.start(); }

  std::optional<std::string> taken(const Submission& submission) override {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(target_of(submission));
    return found == objects_.end() ? std::nullopt : std::optional(found->second.body);
  }
  std::size_t times_seen(const Submission& submission) override {
    const std::lock_guard lock(mutex_);
    return objects_.count(target_of(submission));
  }
  bool change_credential() override {
    const std::lock_guard lock(mutex_);
    key_ = "AKID" + std::to_string(++keys_);
    std::ofstream(key_file_) << key_ << "\n";
    return true;
  }

 private:
  static std::string target_of(const Submission& submission) {
    return "/reports/" + submission.client + "/" + submission.id.text() + ".hl7";
  }

  FaultAnswer serve(const SeenRequest& request) {
    const std::lock_guard lock(mutex_);
    const auto authorization = request.headers.find("authorization");
    if (authorization == request.headers.end() ||
        authorization->second.find("Credential=" + key_ + "/") == std::string::npos)
      return answer(403, "InvalidAccessKeyId");
    switch (mood_.load()) {
      case PeerMood::taking:
        break;
      case PeerMood::refusing:
        return answer(400, "EntityTooLarge");
      case PeerMood::busy: {
        FaultAnswer busy = answer(503, "SlowDown");
        busy.headers.emplace_back("Retry-After", "7");
        return busy;
      }
      case PeerMood::barring:
        return answer(403, "AccessDenied");
      case PeerMood::silent:
        return FaultAnswer{FaultAnswer::Kind::hang, 0, {}, {}};
      case PeerMood::cut_off:
        return FaultAnswer{FaultAnswer::Kind::close, 0, {}, {}};
      case PeerMood::alien: {
        FaultAnswer page = answer(200);
        page.headers = {{"Content-Type", "text/html"}, {"ETag", "\"1\""}};
        page.body = "<!DOCTYPE html><html><body>Welcome to our network</body></html>";
        return page;
      }
    }
    return take(request);
  }

  FaultAnswer take(const SeenRequest& request) {
    const auto found = objects_.find(request.target);
    FaultAnswer good = answer(200);
    good.headers = {{"ETag", "\"1\""}};
    if (request.method == "PUT") {
      if (found != objects_.end()) return answer(412, "PreconditionFailed");
      objects_[request.target] = request;
      return good;
    }
    if (found == objects_.end()) return answer(404, request.method == "GET" ? "NoSuchKey" : "");
    good.headers.emplace_back("x-amz-meta-edge-relay-id", found->second.headers.at("x-amz-meta-edge-relay-id"));
    return good;
  }

  TemporaryFolder folder_;
  std::filesystem::path key_file_;
  std::mutex mutex_;
  std::string key_;
  int keys_ = 0;
  std::map<std::string, SeenRequest> objects_;
  std::atomic<PeerMood> mood_ = PeerMood::taking;
  FaultHttpServer server_;
};

}  // namespace

std::unique_ptr<ConformancePeer> make_s3_peer() {
  return std::make_unique<S3Peer>();
}

}  // namespace relay
