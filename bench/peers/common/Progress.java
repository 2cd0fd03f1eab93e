package tidemark.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicLong;

/** Prints four times a second how far the job is and what it cost: the harness divides one by the other. */
public class Progress {
  public static final AtomicLong EVENTS = new AtomicLong();
  public static final AtomicLong SESSIONS = new AtomicLong();

  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  public static void start() {
    Thread thread = new Thread(Progress::run, "progress");
    thread.setDaemon(true);
    thread.start();
  }

  private static void run() {
    try {
      while (true) {
        System.out.printf("{\"events\":%d,\"sessions\":%d,\"cpu_s\":%.3f}%n", EVENTS.get(), SESSIONS.get(),
            SYSTEM.getProcessCpuTime() / 1e9);
        System.out.flush();
        Thread.sleep(250);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
