// Time-outs, limits, sockets, and how the server stops.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <vector>

#include "unit/base/http_server_fixture.hpp"

namespace relay::test {
namespace {

using std::chrono::milliseconds;

class Lifetime : public HttpServerTest {
 protected:
  ~Lifetime() override { std::filesystem::remove_all(folder_); }
  std::string socket_path() {
    if (folder_.empty()) {
      std::string name = (std::filesystem::temp_directory_path() / "http-server-XXXXXX").string();
      folder_ = ::mkdtemp(name.data());
    }
    return folder_ / "a.sock";
  }
  std::filesystem::path folder_;
};

TEST_F(Lifetime, AnswersAHeaderSectionThatStalls408) {
  options_.request_timeout = milliseconds(100);
  serve();
  auto connection = client();
  const auto response = connection.exchange("GET /x HTTP/1.1\r\nHo");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 408);
}

TEST_F(Lifetime, ClosesAnIdleConnectionSilently) {
  options_.idle_timeout = milliseconds(100);
  serve();
  auto connection = client();
  ASSERT_EQ(connection.exchange(get_request)->status, 200);
  EXPECT_TRUE(connection.at_end());
}

TEST_F(Lifetime, ClosesAConnectionThatNeverSaysAnythingSilently) {
  options_.request_timeout = milliseconds(100);
  serve();
  auto connection = client();
  EXPECT_TRUE(connection.at_end());
}

TEST_F(Lifetime, TellsABodyThatStalls) {
  std::atomic<int> error = -1;
  options_.request_timeout = milliseconds(100);
  handler_ = [&](const HttpRequestHead&, HttpBody& body) -> boost::asio::awaitable<HttpResponse> {
    auto piece = co_await body.read();
    while (piece && !piece->empty()) piece = co_await body.read();
    if (!piece) error = static_cast<int>(piece.error());
    HttpResponse response;
    response.status = 408;
    co_return response;
  };
  serve();
  auto connection = client();
  const auto response =
      connection.exchange("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + std::string(50'000, 'x'));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 408);
  EXPECT_EQ(error, static_cast<int>(HttpBodyError::timed_out));
}

TEST_F(Lifetime, TellsABodyThatDrips) {
  std::atomic<int> error = -1;
  std::atomic<bool> ended = false;
  options_.request_timeout = milliseconds(400);
  handler_ = [&](const HttpRequestHead&, HttpBody& body) -> boost::asio::awaitable<HttpResponse> {
    auto piece = co_await body.read();
    while (piece && !piece->empty()) piece = co_await body.read();
    if (!piece) error = static_cast<int>(piece.error());
    ended = true;
    co_return HttpResponse{};
  };
  serve();
  auto connection = client();
  ASSERT_TRUE(connection.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"));
  // A byte now and then keeps no connection open.
  while (!ended && connection.send("x")) connection.cut_within(milliseconds(20));
  EXPECT_EQ(error, static_cast<int>(HttpBodyError::too_slow));
}

TEST_F(Lifetime, GivesUpOnAPeerThatDoesNotReadItsAnswer) {
  options_.request_timeout = milliseconds(100);
  // More than the kernel's buffers hold, little enough for the time that the slowest reader gets.
  handler_ = [](const HttpRequestHead&, HttpBody&) -> boost::asio::awaitable<HttpResponse> {
    HttpResponse response;
    response.body.assign(16'384, 'x');
    co_return response;
  };
  serve();
  auto connection = client();
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += get_request;
  connection.send(requests);
  EXPECT_TRUE(connection.cut_within(std::chrono::seconds(20)));
}

TEST_F(Lifetime, LetsConnectionsBeyondTheLimitWaitInTheBacklog) {
  options_.max_connections = 2;
  serve();
  auto first = std::make_unique<RawHttpClient>(client());
  auto second = client();
  ASSERT_EQ(first->exchange(get_request)->status, 200);
  ASSERT_EQ(second.exchange(get_request)->status, 200);
  auto third = client();
  ASSERT_TRUE(third.send(get_request));
  EXPECT_EQ(second.exchange(get_request)->status, 200);
  first.reset();
  EXPECT_EQ(third.read_response()->status, 200);
}

TEST_F(Lifetime, SurvivesBeingOutOfDescriptors) {
  serve();
  auto before = client();
  ASSERT_EQ(before.exchange(get_request)->status, 200);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  std::vector<FileDescriptor> hoard;
  auto waiting = client();
  const rlimit small{64, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
  for (int descriptor; (descriptor = ::dup(0)) >= 0;) hoard.emplace_back(descriptor);
  // `waiting` may have been accepted before; what counts is that the server is there afterwards.
  EXPECT_EQ(before.exchange(get_request)->status, 200);
  hoard.clear();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(waiting.exchange(get_request)->status, 200);
  EXPECT_EQ(client().exchange(get_request)->status, 200);
}

TEST_F(Lifetime, SaysThatAPortIsInUse) {
  serve();
  HttpServerOptions same = options_;
  same.listen.port = server_->port();
  HttpServer second(context_, same, handler_, [](HttpFramingProblem) { return HttpResponse{}; });
  const auto started = second.start();
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().message.find("127.0.0.1:" + std::to_string(same.listen.port)), std::string::npos);
  EXPECT_NE(started.error().message.find("in use"), std::string::npos);
}

TEST_F(Lifetime, ServesAUnixSocketWithItsModeAndSaysWhoCalls) {
  std::optional<unsigned> uid;
  handler_ = [&](const HttpRequestHead& head, HttpBody&) -> boost::asio::awaitable<HttpResponse> {
    uid = head.peer.uid;
    HttpResponse response;
    response.status = head.peer.unix_socket ? 200U : 500U;
    co_return response;
  };
  options_.listen = {"", 0, socket_path()};
  options_.socket_mode = 0620;
  serve();
  EXPECT_EQ(RawHttpClient::to_socket(socket_path()).exchange(get_request)->status, 200);
  EXPECT_EQ(uid, ::getuid());
  struct stat status {};
  ASSERT_EQ(::stat(socket_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0620U);
  stop();
  EXPECT_FALSE(std::filesystem::exists(socket_path()));
}

TEST_F(Lifetime, ReplacesAStaleSocketButNeverALiveOneOrAFile) {
  options_.listen = {"", 0, socket_path()};
  {
    boost::asio::io_context context;
    HttpServer first(context, options_, handler_, [](HttpFramingProblem) { return HttpResponse{}; });
    ASSERT_TRUE(first.start().ok());
    std::filesystem::create_hard_link(socket_path(), socket_path() + ".kept");
    HttpServer second(context, options_, handler_, [](HttpFramingProblem) { return HttpResponse{}; });
    const auto refused = second.start();
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("in use"), std::string::npos);
    first.stop([] {});
    second.stop([] {});
    context.run();
  }
  // What a killed process leaves behind.
  std::filesystem::rename(socket_path() + ".kept", socket_path());
  serve();
  EXPECT_EQ(RawHttpClient::to_socket(socket_path()).exchange(get_request)->status, 200);
  stop();

  std::ofstream(socket_path()) << "precious";
  HttpServer over_a_file(context_, options_, handler_, [](HttpFramingProblem) { return HttpResponse{}; });
  EXPECT_FALSE(over_a_file.start().ok());
  EXPECT_EQ(std::filesystem::file_size(socket_path()), 8U);
}

TEST_F(Lifetime, NamesAGroupThatDoesNotExist) {
  options_.listen = {"", 0, socket_path()};
  options_.socket_group = "no-such-group-here";
  make_server();
  const auto started = server_->start();
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().message.find("'no-such-group-here'"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(socket_path()));
}

TEST_F(Lifetime, AnswersWhatIsUnderWayWhenItStopsAndClosesWhatIsIdle) {
  std::promise<void> entered;
  std::promise<std::shared_ptr<boost::asio::steady_timer>> gate;
  handler_ = [&](const HttpRequestHead& head, HttpBody&) -> boost::asio::awaitable<HttpResponse> {
    if (head.path == "/wait") {
      const auto executor = co_await boost::asio::this_coro::executor;
      auto timer = std::make_shared<boost::asio::steady_timer>(executor, std::chrono::hours(1));
      gate.set_value(timer);
      entered.set_value();
      boost::system::error_code ignored;
      co_await timer->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }
    co_return HttpResponse{};
  };
  serve();
  auto idle = client();
  ASSERT_EQ(idle.exchange(get_request)->status, 200);
  auto busy = client();
  ASSERT_TRUE(busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
  entered.get_future().wait();
  std::promise<void> drained;
  auto done = drained.get_future();
  const std::uint16_t port = server_->port();
  server_->stop([&] { drained.set_value(); });
  EXPECT_TRUE(idle.at_end());
  EXPECT_NE(done.wait_for(milliseconds(0)), std::future_status::ready);
  EXPECT_THROW(RawHttpClient::to_port(port), std::runtime_error);
  auto timer = gate.get_future().get();
  boost::asio::post(timer->get_executor(), [timer] { timer->cancel(); });
  const auto response = busy.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->field("connection"), "close");
  EXPECT_TRUE(busy.at_end());
  EXPECT_EQ(done.wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST_F(Lifetime, AnswersABugWith500AndGoesOn) {
  handler_ = [](const HttpRequestHead& head, HttpBody&) -> boost::asio::awaitable<HttpResponse> {
    if (head.path == "/x") throw std::logic_error("meant to happen in this test");
    co_return HttpResponse{};
  };
  serve();
  EXPECT_EQ(client().exchange(get_request)->status, 500);
  EXPECT_EQ(client().exchange("GET /y HTTP/1.1\r\nHost: a\r\n\r\n")->status, 200);
}

}  // namespace
}  // namespace relay::test
