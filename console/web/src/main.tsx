import '@cloudscape-design/global-styles/index.css';
import 'virtual:theme.css';
import './app/app.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import { applySavedLook } from './app/look';
import { takeLink } from './app/session';

applySavedLook();
const link = takeLink();
const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App link={link} />
  </StrictMode>,
);
