// An HttpServer on a free port with a thread to run it, and a handler that tells what it was given.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "base/http_server.hpp"
#include "support/raw_http_client.hpp"

namespace relay::test {

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    options_.listen = {"127.0.0.1", 0, ""};
    options_.request_timeout = std::chrono::seconds(20);
  }
  ~HttpServerTest() override {
    if (!server_) return;
    stop();
    server_.reset();
    work_.reset();
    context_.stop();
    thread_.join();
  }

  void serve() {
    make_server();
    const auto started = server_->start();
    ASSERT_TRUE(started.ok()) << started.error().message;
  }
  void make_server() {
    server_ = std::make_unique<HttpServer>(
        context_, options_, [this](const HttpRequestHead& head, HttpBody& body) { return handler_(head, body); },
        [](HttpFramingProblem problem) {
          HttpResponse response;
          response.status = problem == HttpFramingProblem::headers_too_large ? 431U
                            : problem == HttpFramingProblem::request_timeout ? 408U
                                                                             : 400U;
          return response;
        });
    thread_ = std::thread([this] { context_.run(); });
  }
  // Stops it and waits until the last connection is gone.
  void stop() {
    std::promise<void> drained;
    server_->stop([&] { drained.set_value(); });
    server_->close_all();
    drained.get_future().wait();
  }
  RawHttpClient client() { return RawHttpClient::to_port(server_->port()); }

  // Reads the whole body; answers with "METHOD path query body".
  static boost::asio::awaitable<HttpResponse> echo(const HttpRequestHead& head, HttpBody& body) {
    HttpResponse response;
    response.body = head.method + ' ' + head.path + ' ' + head.query + ' ';
    for (;;) {
      const auto piece = co_await body.read();
      if (!piece) {
        response.status = piece.error() == HttpBodyError::malformed ? 400U : 408U;
        co_return response;
      }
      if (piece->empty()) co_return response;
      response.body.append(*piece);
    }
  }
  // Answers without a look at the body.
  static boost::asio::awaitable<HttpResponse> refuse(const HttpRequestHead&, HttpBody&) {
    HttpResponse response;
    response.status = 413;
    co_return response;
  }

  HttpServerOptions options_;
  HttpHandler handler_ = echo;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  std::thread thread_;
  std::unique_ptr<HttpServer> server_;
};

inline constexpr std::string_view get_request = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace relay::test
