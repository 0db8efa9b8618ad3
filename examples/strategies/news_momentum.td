# With the news: two good headlines in two hours and a price that has begun to follow them, unless the company sells shares.

strategy news_momentum on bars(1m) for NASDAQ:*
  mood = avg(news.sentiment, 2h)
  buy  when count(news, 2h) >= 2 and mood > 0.4 and rocp(close, 30) > 1%
        and not any(news.headline has "offering", 2h)
  exit when mood < 0 or held > 1d
  trail 3%
