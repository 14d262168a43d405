import { useNavigate } from "react-router";
import { signOut, useSetSession } from "../api/session";

/** Signs out. Whatever the server says: this browser is out. */
export function useLeave(): () => void {
  const navigate = useNavigate();
  const setSession = useSetSession();
  return () => {
    void signOut()
      .catch(() => undefined)
      .then(() => {
        setSession(null);
        void navigate("/");
      });
  };
}
