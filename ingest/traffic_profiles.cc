#include "ingest/traffic_profiles.h"

#include <fmt/format.h>

namespace tidemark {
namespace {

struct Client {
  const char* browser;
  const char* version;
  const char* os;
  const char* os_version;
  const char* category;
  const char* type;
  const char* manufacturer;
  const char* user_agent;
  int width, height, density;
  bool mobile;
};

constexpr Client kClients[] = {
    {"Chrome", "142.0.7444.60", "Windows", "10", "desktop", "Other", "Other",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
     1920, 1080, 96, false},
    {"Firefox", "145.0", "Linux", "6.12", "desktop", "Other", "Other",
     "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", 2560, 1440, 110, false},
    {"Safari", "18.6", "Mac OS X", "15.6", "desktop", "Mac", "Apple",
     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
     "Safari/605.1.15",
     1728, 1117, 220, false},
    {"Edge", "142.0.3595.53", "Windows", "11", "desktop", "Other", "Other",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 "
     "Edg/142.0.0.0",
     1536, 864, 120, false},
    {"Mobile Safari", "18.6", "iOS", "18.6.2", "mobile", "iPhone", "Apple",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
     "Mobile/15E148 Safari/604.1",
     393, 852, 460, true},
    {"Chrome Mobile", "142.0.7444.48", "Android", "15", "mobile", "Pixel 9", "Google",
     "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile "
     "Safari/537.36",
     412, 915, 422, true},
    {"Samsung Internet", "28.0", "Android", "14", "tablet", "SM-X710", "Samsung",
     "Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 "
     "Chrome/130.0.0.0 Safari/537.36",
     1600, 2560, 274, true},
};

struct Place {
  const char* country;
  const char* country_name;
  const char* latitude;
  const char* longitude;
  const char* city;
  const char* postal_code;
  const char* region;
  const char* region_name;
  const char* timezone;
  const char* organization;
};

constexpr Place kPlaces[] = {
    {"DE", "Germany", "52.5244", "13.4105", "Berlin", "10115", "BE", "Land Berlin", "Europe/Berlin",
     "Example Telekom AG"},
    {"US", "United States", "39.7684", "-86.158", "Indianapolis", "46204", "IN", "Indiana",
     "America/Indiana/Indianapolis", "Example Cable Communications"},
    {"FR", "France", "48.8534", "2.3488", "Paris", "75001", "IDF", "Île-de-France", "Europe/Paris",
     "Exemple Télécom SA"},
    {"JP", "Japan", "35.6895", "139.6917", "東京", "100-0001", "13", "東京都", "Asia/Tokyo", "Example Networks KK"},
    {"BR", "Brazil", "-23.5475", "-46.6361", "São Paulo", "01000-000", "SP", "São Paulo", "America/Sao_Paulo",
     "Exemplo Internet Ltda"},
    {"GB", "United Kingdom", "51.5085", "-0.1257", "London", "EC1A", "ENG", "England", "Europe/London",
     "Example Broadband Ltd"},
    {"IN", "India", "12.9719", "77.5937", "Bengaluru", "560001", "KA", "Karnataka", "Asia/Kolkata", "Example Fibernet"},
    {"AU", "Australia", "-33.8679", "151.2073", "Sydney", "2000", "NSW", "New South Wales", "Australia/Sydney",
     "Example Pacific Pty"},
};

struct Page {
  const char* path;
  const char* title;
  const char* query;
  const char* breadcrumb;
  const char* keywords;
};

constexpr Page kPages[] = {
    {"/", "Example Outfitters: shoes and gear for every trail", "", R"("Home")", "shoes,outdoor,running"},
    {"/shoes", "Shoes | Example Outfitters", "sort=popular", R"("Home","Shoes")", "shoes"},
    {"/shoes/running", "Running shoes | Example Outfitters", "sort=price&size=43", R"("Home","Shoes","Running")",
     "running shoes"},
    {"/shoes/running/cloud-runner-4", "Cloud Runner 4 | Example Outfitters", "color=blue&size=43",
     R"("Home","Shoes","Running","Cloud Runner 4")", "cloud runner"},
    {"/shoes/hiking/ridge-gtx", "Ridge GTX | Example Outfitters", "color=brown",
     R"("Home","Shoes","Hiking","Ridge GTX")", "hiking boots"},
    {"/jackets", "Jackets | Example Outfitters", "page=2", R"("Home","Jackets")", "jackets,rain"},
    {"/jackets/rain/storm-shell", "Storm Shell | Example Outfitters", "size=l",
     R"("Home","Jackets","Rain","Storm Shell")", "rain jacket"},
    {"/cart", "Your cart | Example Outfitters", "", R"("Home","Cart")", "cart"},
    {"/checkout", "Checkout | Example Outfitters", "step=address", R"("Home","Cart","Checkout")", "checkout"},
    {"/checkout/payment", "Payment | Example Outfitters", "step=payment", R"("Home","Cart","Checkout","Payment")",
     "checkout"},
    {"/account/orders", "Your orders | Example Outfitters", "year=2025", R"("Home","Account","Orders")", "orders"},
    {"/help/returns", "Returns and refunds | Example Outfitters", "lang=en", R"("Home","Help","Returns")",
     "returns,refund"},
    {"/help/contact", "Contact us | Example Outfitters", "", R"("Home","Help","Contact")", "contact"},
    {"/stores/berlin", "Store: Berlin Mitte | Example Outfitters", "from=map", R"("Home","Stores","Berlin")", "stores"},
};

constexpr const char* kReferrers[] = {
    "",
    R"(,"referrer":{"url":"https://www.google.com/search?q=trail+running+shoes","domain":"google.com","hostname":"www.google.com","keywords":"trail running shoes","pathname":"/search","queryString":"q=trail+running+shoes","fragment":"","name":"Google","medium":"search"})",
    R"(,"referrer":{"url":"https://www.reddit.com/r/trailrunning/comments/1abcde","domain":"reddit.com","hostname":"www.reddit.com","keywords":"","pathname":"/r/trailrunning/comments/1abcde","queryString":"","fragment":"","name":"Reddit","medium":"social"})",
    R"(,"referrer":{"url":"https://duckduckgo.com/?q=rain+jacket","domain":"duckduckgo.com","hostname":"duckduckgo.com","keywords":"rain jacket","pathname":"/","queryString":"q=rain+jacket","fragment":"","name":"DuckDuckGo","medium":"search"})",
};

constexpr const char* kCampaigns[] = {
    "",
    "",
    "",
    R"(,"mktCampaign":{"content":"hero-banner","medium":"email","name":"autumn-sale-2025","source":"newsletter","term":"shoes","clickId":"CjwKCAiA55mPBhBOEiwANmzoQ","network":"owned"})",
    R"(,"mktCampaign":{"content":"text-ad-3","medium":"cpc","name":"brand-search","source":"google","term":"example outfitters","clickId":"EAIaIQobChMI4fT0","network":"search"})",
};

struct Phone {
  const char* type;
  const char* manufacturer;
  const char* os;
  const char* os_version;
  const char* sdk;
  const char* carrier;
  int width, height, density;
};

constexpr Phone kPhones[] = {
    {"iPhone17,1", "Apple", "iOS", "18.6.2", "messenger-ios", "Example Mobile", 1206, 2622, 460},
    {"Pixel 9", "Google", "Android", "15", "messenger-android", "Example Wireless", 1080, 2424, 422},
    {"SM-S931B", "Samsung", "Android", "15", "messenger-android", "Exemple Mobile", 1080, 2340, 416},
};

std::string RenderClient(const Client& c) {
  return fmt::format(
      R"(,"userAgentString":"{}","browser":{{"family":"{}","version":"{}","lang":"en-US","fingerprint":"b1946ac92492d2347c6235b4d2611184","isMobile":{},"viewHeight":{},"viewWidth":{},"featuresFlash":false,"featuresJava":false,"featuresPdf":{},"featuresWebrtc":true}},"device":{{"category":"{}","type":"{}","isMobile":{},"screenHeight":{},"screenWidth":{},"screenDensity":{},"osFamily":"{}","osVersion":"{}","manufacturer":"{}"}})",
      c.user_agent, c.browser, c.version, c.mobile, c.height - 120, c.width, !c.mobile, c.category, c.type, c.mobile,
      c.height, c.width, c.density, c.os, c.os_version, c.manufacturer);
}

std::string RenderPlace(const Place& p) {
  return fmt::format(
      R"(,"geolocation":{{"country":"{}","countryName":"{}","latitude":{},"longitude":{},"locality":"{}","postalCode":"{}","region":"{}","regionName":"{}","source":"geoip","timezone":"{}"}},"ipOrganization":"{}")",
      p.country, p.country_name, p.latitude, p.longitude, p.city, p.postal_code, p.region, p.region_name, p.timezone,
      p.organization);
}

TrafficPage RenderPage(const Page& p) {
  TrafficPage page;
  const std::string_view query(p.query);
  page.url = fmt::format("https://shop.example.com{}{}{}", p.path, query.empty() ? "" : "?", query);
  page.full = fmt::format(
      R"({{"url":"{}","title":"{}","domain":"example.com","hostname":"shop.example.com","keywords":"{}","lang":"en","pathname":"{}","queryString":"{}","breadcrumb":[{}]}})",
      page.url, p.title, p.keywords, p.path, query, p.breadcrumb);
  page.small = fmt::format(R"({{"pathname":"{}"}})", p.path);
  return page;
}

std::string RenderPhone(const Phone& p) {
  return fmt::format(
      R"(,"app":{{"name":"Example Outfitters","namespace":"com.example.outfitters","version":"5.2.1","buildNumber":"812"}},"device":{{"category":"mobile","type":"{}","isMobile":true,"screenHeight":{},"screenWidth":{},"screenDensity":{},"fingerprint":"e4d909c290d0fb1ca068ffaddf22cbd0","osFamily":"{}","osVersion":"{}","manufacturer":"{}"}},"sdkLibrary":{{"name":"{}","version":"2.1.0"}},"networkConnectivity":{{"carrier":"{}","bluetoothEnabled":false,"cellularEnabled":true,"wifiEnabled":true}})",
      p.type, p.height, p.width, p.density, p.os, p.os_version, p.manufacturer, p.sdk, p.carrier);
}

}  // namespace

TrafficProfiles::TrafficProfiles()
    : searches{"running shoes", "rain jacket", "größe 43", "trail socks", "gift card", "return policy"},
      screens{"Home", "Catalog", "Product", "Cart", "Checkout", "Orders", "Profile", "Chat"} {
  for (const Page& page : kPages) pages.push_back(RenderPage(page));
  for (const Client& client : kClients) clients.push_back(RenderClient(client));
  for (const Place& place : kPlaces) places.push_back(RenderPlace(place));
  for (const Phone& phone : kPhones) phones.push_back(RenderPhone(phone));
  referrers.assign(std::begin(kReferrers), std::end(kReferrers));
  campaigns.assign(std::begin(kCampaigns), std::end(kCampaigns));
}

}  // namespace tidemark
