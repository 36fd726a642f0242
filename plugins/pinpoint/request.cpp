#include "request.h"

#include <Poco/JSON/Object.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string_view>

namespace otpgw::pinpoint {
namespace {

using Poco::JSON::Object;

// What AWS takes as TimeToLive, in seconds.
constexpr int64_t kTimeToLiveMin = 5, kTimeToLiveMax = 259'200;

Object object() { return Object(Poco::JSON_PRESERVE_KEY_ORDER); }

// AWS refuses empty fields.
void put(Object& to, const char* name, std::string_view value) {
  if (!value.empty()) to.set(name, std::string(value));
}
void put(Object& to, const char* name, const Object& value) {
  if (value.size() > 0) to.set(name, value);
}

std::string text_of(const Object& object) {
  std::ostringstream text;
  object.stringify(text);
  return text.str();
}

// What AWS's own records of the message hold beside it; it takes at most 5 pairs. Not the OTP's id: it may be
// a person's address.
Object context_of(const Job& job) {
  auto context = object();
  put(context, "namespace", job.name_space);
  put(context, "job", job.id);
  return context;
}

// How long AWS may try to hand the message over: as long as the code lives.
int64_t time_to_live(const Job& job) {
  using namespace std::chrono;
  const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  return std::clamp((job.expiry_unix_ms - now) / 1000, kTimeToLiveMin, kTimeToLiveMax);
}

std::string send_messages(const Settings& settings, const Job& job, const std::string& address) {
  auto channel = object();
  put(channel, "ChannelType", "SMS");
  auto addresses = object();
  addresses.set(address, channel);
  auto message = object();
  put(message, "Body", job.body);
  put(message, "MessageType", settings.message_type);
  put(message, "SenderId", settings.sender_id);
  put(message, "EntityId", settings.entity_id);
  put(message, "TemplateId", settings.template_id);
  auto configuration = object();
  put(configuration, "SMSMessage", message);
  auto request = object();
  put(request, "Addresses", addresses);
  put(request, "Context", context_of(job));
  put(request, "MessageConfiguration", configuration);
  return text_of(request);
}

std::string send_text_message(const Settings& settings, const Job& job, const std::string& address) {
  auto request = object();
  put(request, "DestinationPhoneNumber", address);
  put(request, "OriginationIdentity", settings.origination_identity);
  put(request, "MessageBody", job.body);
  put(request, "MessageType", settings.message_type);
  put(request, "ConfigurationSetName", settings.configuration_set);
  put(request, "MaxPrice", settings.max_price);
  request.set("TimeToLive", time_to_live(job));
  put(request, "Context", context_of(job));
  auto india = object();
  put(india, "IN_ENTITY_ID", settings.entity_id);
  put(india, "IN_TEMPLATE_ID", settings.template_id);
  put(request, "DestinationCountryParameters", india);
  if (settings.dry_run) request.set("DryRun", true);
  return text_of(request);
}

}  // namespace

http::Request request_for(const Settings& settings, const Job& job, const std::string& address) {
  http::Request request{.username = settings.access_key, .password = settings.secret_key};
  if (settings.api == Api::pinpoint) {
    request.url = settings.endpoint + "/v1/apps/" + settings.application_id + "/messages";
    request.headers = {"Content-Type: application/json"};
    request.body = send_messages(settings, job, address);
    request.aws_sigv4 = "aws:amz:" + settings.region + ":mobiletargeting";
  } else {
    request.url = settings.endpoint + "/";
    request.headers = {"Content-Type: application/x-amz-json-1.0",
                       "X-Amz-Target: PinpointSMSVoiceV2.SendTextMessage"};
    request.body = send_text_message(settings, job, address);
    request.aws_sigv4 = "aws:amz:" + settings.region + ":sms-voice";
  }
  return request;
}

}  // namespace otpgw::pinpoint
