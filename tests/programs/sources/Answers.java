// Answers each line with the sum of what compiled code, the garbage collector, threads and exceptions make of it, written
// by as many calls of write as there are digits.
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;

class Answers {
  private int[] field;

  static int dereference(Answers answers) {
    return answers.field.length;
  }

  static int work(int seed) {
    int sum = 0;
    for (int i = 0; i < 50_000; i++) {
      Answers answers = i % 5000 == 0 ? null : new Answers();
      if (answers != null) answers.field = new int[i % 7 + seed];
      try {
        sum += dereference(answers);
      } catch (NullPointerException exception) {
        sum -= 1;
      }
    }
    return sum;
  }

  public static void main(String[] arguments) throws Exception {
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    FileOutputStream output = new FileOutputStream(FileDescriptor.out);
    for (String line; (line = input.readLine()) != null;) {
      int seed = Integer.parseInt(line);
      List<Thread> threads = new ArrayList<>();
      int[] sums = new int[3];
      for (int t = 0; t < 3; t++) {
        int thread = t;
        threads.add(new Thread(() -> sums[thread] = work(seed + thread)));
        threads.get(t).start();
      }
      int sum = 0;
      for (Thread thread : threads) thread.join();
      for (int part : sums) sum += part;
      for (byte digit : (sum + "\n").getBytes()) output.write(digit);
    }
    System.exit(8);
  }
}
